import { useEffect, useState } from "react";
import { CheckIcon, CopyIcon } from "@/components/ui/icons";
import { copyText } from "@/lib/copy-text";
import styles from "./code-block.module.css";

interface CodeBlockProps {
  text: string;
  language: string;
  isTabbable: boolean;
}

/** How long it says that the code was copied, in milliseconds. */
const shown = 2_000;

/** Code as it was written: its lines are never wrapped, and are moved sideways instead. */
export function CodeBlock({ text, language, isTabbable }: CodeBlockProps) {
  const [copied, setCopied] = useState<boolean>();
  useEffect(() => {
    if (copied === undefined) return;
    const timer = window.setTimeout(() => setCopied(undefined), shown);
    return () => window.clearTimeout(timer);
  }, [copied]);
  const copy = async () => setCopied(await copyText(text));
  const tabIndex = isTabbable ? 0 : -1;
  return (
    <div className={styles.block} dir="ltr">
      <pre
        className={styles.code}
        tabIndex={tabIndex}
        aria-label={language ? `Code in ${language}` : "Code"}
        role="region"
      >
        <code>{text}</code>
      </pre>
      <button
        type="button"
        className={styles.copy}
        tabIndex={tabIndex}
        aria-label={copied ? "Copied" : copied === false ? "It could not be copied" : "Copy the code"}
        onClick={() => void copy()}
      >
        {copied ? <CheckIcon /> : <CopyIcon />}
      </button>
    </div>
  );
}
