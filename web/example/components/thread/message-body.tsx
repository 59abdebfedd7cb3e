import type { ShownMessage } from "@devinbox/client";
import { Suspense, lazy } from "react";
import { mayHaveMarkup } from "@/lib/has-markup";
import { pieces } from "@/lib/links";
import { TextLink } from "./text-link";
import styles from "./message-body.module.css";

/** It is loaded with the first message that needs it. Until then that one is shown as it was written. */
const RichText = lazy(() => import("./rich-text"));

interface MessageBodyProps {
  message: ShownMessage;
  /** Whether Tab stops at what can be pressed in it. */
  isTabbable: boolean;
}

/** The text. Of what was written only the few marks of a chat have a meaning; nothing here sets HTML. */
export function MessageBody({ message, isTabbable }: MessageBodyProps) {
  if (message.deletedAt) return <p className={styles.deleted}>This message was deleted</p>;
  const text = message.truncated ? `${message.body}…` : message.body;
  const plain = <PlainText text={text} isTabbable={isTabbable} />;
  return (
    <div className={styles.body} data-body="" dir="auto">
      {mayHaveMarkup(text) ? (
        <Suspense fallback={plain}>
          <RichText text={text} isTabbable={isTabbable} />
        </Suspense>
      ) : (
        plain
      )}
    </div>
  );
}

function PlainText({ text, isTabbable }: { text: string; isTabbable: boolean }) {
  return (
    <p dir="auto">
      {pieces(text).map((piece, i) =>
        piece.href ? <TextLink key={i} text={piece.text} href={piece.href} isTabbable={isTabbable} /> : piece.text,
      )}
    </p>
  );
}
