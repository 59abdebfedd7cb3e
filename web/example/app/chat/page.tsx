import { ClientChat } from "@/components/client-chat";
import { DemoBar } from "@/components/demo-bar";
import { Demo } from "@/components/demo";
import { type SearchParams, demoName } from "@/lib/demo";

/** The client's side. */
export default async function ChatPage({ searchParams }: { searchParams: SearchParams }) {
  const as = demoName("client", (await searchParams).as);
  return (
    <div className="screen">
      <DemoBar path="/chat" as={as} role="client" />
      <main className="column">
        <Demo as={as}>
          <h1 className="visually-hidden">Chat</h1>
          <ClientChat />
        </Demo>
      </main>
    </div>
  );
}
