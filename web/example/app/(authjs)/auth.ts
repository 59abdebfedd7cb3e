import NextAuth from "next-auth";
import Credentials from "next-auth/providers/credentials";
import { type DemoUser, demoAllowed, demoHost, demoUser } from "@/lib/demo";

declare module "next-auth" {
  interface User {
    role?: DemoUser["role"];
  }
}

/** Auth.js is there only where it has a secret. devinbox needs the same one, and `CHAT_AUTHJS=true`. */
export const authjs = Boolean(process.env.AUTH_SECRET);

/** Whether the demo's own provider is there. */
export const authjsDemo = authjs && demoAllowed("AUTH_SECRET");

export const { handlers, auth, signIn, signOut } = NextAuth({
  session: { strategy: "jwt" }, // devinbox reads the cookie, so the session has to be in it
  providers: [
    // YOUR PROVIDERS GO HERE. This one believes whatever it is told, so it is there only if the demo may use this secret.
    ...(authjsDemo
      ? [
          Credentials({
            credentials: { as: {} },
            authorize: ({ as }, request) => (demoHost(request.headers.get("host")) ? (demoUser(as) ?? null) : null),
          }),
        ]
      : []),
  ],
  callbacks: {
    // What devinbox needs beyond what Auth.js does: an id that stays, and who is a developer.
    jwt: ({ token, user, account }) => {
      // Without a database adapter Auth.js makes a new id at every sign-in, and a new id is a new conversation.
      if (account && account.type !== "credentials") token.sub = `${account.provider}-${account.providerAccountId}`;
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- there is a user at sign-in only, which the types do not say
      if (user?.role) token["role"] = user.role;
      return token;
    },
    session: ({ session, token }) => ({
      ...session,
      user: { ...session.user, role: token["role"] === "developer" ? "developer" : "client" },
    }),
  },
});
