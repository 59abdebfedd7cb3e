/** An address in a text. The page that it leads to learns nothing of this one. */
export function TextLink({ text, href, isTabbable }: { text: string; href: string; isTabbable: boolean }) {
  return (
    <a
      href={href}
      title={text === href ? undefined : href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      tabIndex={isTabbable ? undefined : -1}
    >
      {text}
    </a>
  );
}
