import { authjs, handlers } from "../../../auth";

const absent = () => new Response(null, { status: 404 });

export const GET = authjs ? handlers.GET : absent;
export const POST = authjs ? handlers.POST : absent;
