import { type ReactNode, useMemo } from "react";
import { type Block, type Span, parse } from "@/lib/markup";
import { CodeBlock } from "./code-block";
import styles from "./rich-text.module.css";
import { TextLink } from "./text-link";

interface RichTextProps {
  text: string;
  isTabbable: boolean;
}

/** A text with its markup. It is made of elements: whatever was written, there is no HTML to be read. */
export default function RichText({ text, isTabbable }: RichTextProps) {
  const blocks = useMemo(() => parse(text), [text]);
  return <Blocks blocks={blocks} isTabbable={isTabbable} />;
}

function Blocks({ blocks, isTabbable }: { blocks: readonly Block[]; isTabbable: boolean }): ReactNode {
  return blocks.map((block, i) => {
    switch (block.kind) {
      case "text":
        return (
          <p key={i} className={styles.text} dir="auto">
            {block.spans.map((span, n) => (
              <Words key={n} span={span} isTabbable={isTabbable} />
            ))}
          </p>
        );
      case "code":
        return <CodeBlock key={i} text={block.text} language={block.language} isTabbable={isTabbable} />;
      case "quote":
        return (
          <blockquote key={i} className={styles.quote}>
            <Blocks blocks={block.blocks} isTabbable={isTabbable} />
          </blockquote>
        );
      case "list": {
        const items = block.items.map((item, n) => (
          <li key={n}>
            <Blocks blocks={item} isTabbable={isTabbable} />
          </li>
        ));
        return block.start === null ? (
          <ul key={i} className={styles.list}>
            {items}
          </ul>
        ) : (
          <ol key={i} className={styles.list} start={block.start}>
            {items}
          </ol>
        );
      }
    }
  });
}

function Words({ span, isTabbable }: { span: Span; isTabbable: boolean }): ReactNode {
  const { text, href, code, bold, italic } = span;
  let words: ReactNode = text;
  if (code) words = <code className={styles.code}>{words}</code>;
  if (href) words = <TextLink text={text} href={href} isTabbable={isTabbable} />;
  if (italic) words = <em>{words}</em>;
  if (bold) words = <strong>{words}</strong>;
  return words;
}
