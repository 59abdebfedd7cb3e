import { initials } from "@/lib/initials";
import styles from "./avatar.module.css";

interface AvatarProps {
  /** Gives the colour: the same for one person everywhere. */
  id: string;
  name: string | null | undefined;
  online?: boolean | undefined;
  size?: "small" | "large";
}

/** Somebody's face: their initials on a colour of their own. The name always stands beside it, so a screen reader hears nothing. */
export function Avatar({ id, name, online, size = "small" }: AvatarProps) {
  return (
    <span
      className={styles.avatar}
      data-face={faceOf(id)}
      data-size={size}
      data-online={online || undefined}
      data-initials={initials(name ?? id)}
      aria-hidden="true"
    />
  );
}

function faceOf(id: string): number {
  let sum = 0;
  for (const character of id) sum = (sum * 195 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return sum % 8;
}
