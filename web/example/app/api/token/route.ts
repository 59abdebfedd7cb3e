import { SignJWT } from "jose";
import type { NextRequest } from "next/server";
import { demoAllowed, demoUser } from "@/lib/demo";

/** Gives the user of this request a token for devinbox, good for 15 minutes. */
export async function GET(request: NextRequest): Promise<Response> {
  // YOUR SESSION CHECK GOES HERE. Take the user from your own session, and never from a parameter as this demo does: whoever asks for
  // a user becomes that user. So it refuses in production, unless DEMO=true says that nothing there is real.
  const user = demoAllowed() ? demoUser(request.nextUrl.searchParams.get("as")) : undefined;
  if (!user) return Response.json({ error: "Nobody is signed in." }, { status: 401 });

  const secret = process.env.CHAT_JWT_SECRET; // the same as devinbox has
  if (!secret) return Response.json({ error: "CHAT_JWT_SECRET is not set." }, { status: 503 });
  const token = await new SignJWT({ role: user.role, name: user.name })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime("15m")
    .sign(new TextEncoder().encode(secret));
  return Response.json({ token }, { headers: { "Cache-Control": "no-store" } });
}
