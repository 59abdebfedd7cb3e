// Makes tokens with the packages that real frontends and providers use, and prints them as one JSON object.
// Arguments: the secret of HS256, and the secrets of Auth.js, the newest first.
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { Auth, raw, skipCSRFCheck } from "@auth/core";
import { encode } from "@auth/core/jwt";
import Credentials from "@auth/core/providers/credentials";

const [secret, newest, oldest] = process.argv.slice(2);

const tokens = {};
const keys = [];
for (const algorithm of ["RS256", "ES256", "EdDSA"]) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  keys.push({ ...(await exportJWK(publicKey)), kid: algorithm, alg: algorithm, use: "sig" });
  tokens[algorithm] = await sign(algorithm, privateKey);
}
tokens.HS256 = await sign("HS256", new TextEncoder().encode(secret));

function sign(algorithm, key) {
  return new SignJWT({ role: "developer", name: "Ada", email: "ada@example.com" })
    .setProtectedHeader({ alg: algorithm, typ: "JWT", kid: algorithm })
    .setSubject("ada").setIssuedAt().setIssuer("https://issuer.example").setAudience(["other", "chat"]).setExpirationTime("1h")
    .sign(key);
}

// The cookies that Auth.js sets when a browser signs in. This uses its own routes, so that it splits the cookie itself.
async function signIn(origin, secrets, filling) {
  const body = new URLSearchParams({ username: "grace" });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await Auth(new Request(origin + "/auth/callback/credentials", { method: "POST", body, headers }), {
    basePath: "/auth", trustHost: true, secret: secrets, skipCSRFCheck, raw,
    session: { strategy: "jwt" },
    providers: [Credentials({ credentials: { username: {} }, authorize: () => ({ id: "1", name: "Grace", email: "grace@example.com" }) })],
    callbacks: { jwt: ({ token }) => ({ ...token, role: "developer", filling: "x".repeat(filling) }) },
    logger: { debug() {}, warn() {}, error(problem) { console.error(problem); } },
  });
  return answer.cookies.filter(({ name }) => name.includes("session-token")).map(({ name, value }) => ({ name, value }));
}

const plain = "authjs.session-token";
const cookies = {
  http: await signIn("http://localhost:3000", newest, 0),
  https: await signIn("https://chat.example.com", newest, 0),
  chunked: await signIn("https://chat.example.com", newest, 6000),
  rotated: await signIn("http://localhost:3000", [newest, oldest], 0),
  old: await signIn("http://localhost:3000", oldest, 0),
  encoded: [{ name: plain, value: await encode({ token: { email: "grace@example.com", role: "developer" }, secret: [oldest], salt: plain, maxAge: 60 }) }],
  expired: [{ name: plain, value: await encode({ token: { email: "grace@example.com" }, secret: newest, salt: plain, maxAge: -3600 }) }],
};

console.log(JSON.stringify({ jwks: { keys }, tokens, cookies }));
