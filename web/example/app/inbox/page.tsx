import { DemoBar } from "@/components/demo-bar";
import { DemoChat } from "@/components/demo-chat";
import { Inbox } from "@/components/inbox/inbox";
import { type SearchParams, demoName } from "@/lib/demo";

/** The developers' side. */
export default async function InboxPage({ searchParams }: { searchParams: SearchParams }) {
  const as = demoName("developer", (await searchParams).as);
  return (
    <div className="screen">
      <DemoBar path="/inbox" as={as} role="developer" />
      <DemoChat as={as}>
        <Inbox />
      </DemoChat>
    </div>
  );
}
