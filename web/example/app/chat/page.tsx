import type { Metadata } from "next";
import { ClientPage } from "@/components/client-page";
import { DemoBar } from "@/components/demo-bar";
import { Demo } from "@/components/demo";
import { type SearchParams, demoName } from "@/lib/demo";
import { greeting, team } from "@/lib/owner";

export const metadata: Metadata = { title: `Chat with ${team}` };

/** The client's side. */
export default async function ChatPage({ searchParams }: { searchParams: SearchParams }) {
  const as = demoName("client", (await searchParams).as);
  return (
    <div className="screen">
      <DemoBar path="/chat" as={as} role="client" />
      <main className="column">
        <Demo as={as}>
          <ClientPage team={team} greeting={greeting} />
        </Demo>
      </main>
    </div>
  );
}
