import { SignJWT } from "jose";
import type { NextRequest } from "next/server";
import { demoAllowed, demoHost, demoUser } from "@/lib/demo";

/** Gives the user of this request a token for devinbox, good for 15 minutes. */
export async function GET(request: NextRequest): Promise<Response> {
  // YOUR SESSION CHECK GOES HERE. Take the user from your own session, and never from a parameter as this demo does: whoever asks for
  // a user becomes that user. So it does that only with a secret that DEMO names, because nothing real is signed with it.
  if (!demoHost(request.headers.get("host")))
    return Response.json({ error: "The demo answers only at localhost." }, { status: 421 });
  if (!demoAllowed("CHAT_JWT_SECRET")) {
    return Response.json(
      { error: "The demo signs nobody in with this CHAT_JWT_SECRET: devinbox token makes a token." },
      { status: 401 },
    );
  }
  const user = demoUser(request.nextUrl.searchParams.get("as"));
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
