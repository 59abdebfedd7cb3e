import { notFound } from "next/navigation";
import { demoUser } from "@/lib/demo";
import { auth, authjs, authjsDemo, signIn, signOut } from "../auth";
import { CookieChat } from "./cookie-chat";

/** The same chat with Auth.js: its cookie is the credential, and there is no code for tokens at all. */
export default async function AuthjsPage() {
  if (!authjs) notFound();
  const session = await auth();
  if (!session?.user) return authjsDemo ? <SignIn /> : <NoSignIn />;

  async function leave() {
    "use server";
    await signOut({ redirectTo: "/authjs" });
  }
  return <CookieChat name={session.user.name ?? ""} role={session.user.role ?? "client"} leave={leave} />;
}

function SignIn() {
  async function enter(form: FormData) {
    "use server";
    await signIn("credentials", { as: form.get("as"), redirectTo: "/authjs" });
  }
  return (
    <main className="centre">
      <h1>Sign in with Auth.js</h1>
      <p>The demo asks for no password.</p>
      <form action={enter} className="buttons">
        {["grace", "alan", "ada"].map((name) => (
          <button key={name} className="button" name="as" value={name}>
            {demoUser(name)?.name}
          </button>
        ))}
      </form>
    </main>
  );
}

function NoSignIn() {
  return (
    <main className="centre">
      <h1>Sign in with Auth.js</h1>
      <p>
        The demo signs nobody in with this <code>AUTH_SECRET</code>: sessions under it may be good at a deployment. Put
        a provider of your own into <code>app/(authjs)/auth.ts</code>, or try it with a secret that nothing else has and{" "}
        <code>DEMO=true</code>.
      </p>
    </main>
  );
}
