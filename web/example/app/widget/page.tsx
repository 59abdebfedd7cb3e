import type { Metadata } from "next";
import { Demo } from "@/components/demo";
import { DemoBar } from "@/components/demo-bar";
import { ChatWidget } from "@/components/widget/chat-widget";
import { type SearchParams, demoName } from "@/lib/demo";
import { greeting, team } from "@/lib/owner";
import styles from "../page.module.css";

export const metadata: Metadata = { title: "A page with the widget" };

/** Any page of a product, with the chat in its corner. */
export default async function WidgetPage({ searchParams }: { searchParams: SearchParams }) {
  const as = demoName("client", (await searchParams).as);
  return (
    <>
      <DemoBar path="/widget" as={as} role="client" />
      <main className={styles.any}>
        <h1>Any page of yours</h1>
        <p>
          The chat stands behind the button in the corner, and is loaded when somebody opens it. It is one component,{" "}
          <code>ChatWidget</code>, and needs a <code>ChatProvider</code> around it.
        </p>
        <p>What somebody was writing is there again when they come back, on this page or another.</p>
      </main>
      <Demo as={as}>
        <ChatWidget team={team} greeting={greeting} />
      </Demo>
    </>
  );
}
