import type { Metadata } from "next";
import { DemoBar } from "@/components/demo-bar";
import { Demo } from "@/components/demo";
import { Inbox } from "@/components/inbox/inbox";
import { type SearchParams, demoName } from "@/lib/demo";

export const metadata: Metadata = { title: "Inbox" };

/** The developers' side. */
export default async function InboxPage({ searchParams }: { searchParams: SearchParams }) {
  const as = demoName("developer", (await searchParams).as);
  return (
    <div className="screen">
      <DemoBar path="/inbox" as={as} role="developer" />
      <Demo as={as}>
        <Inbox />
      </Demo>
    </div>
  );
}
