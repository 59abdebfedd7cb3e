import { type ReactNode, Suspense, useRef, useState } from "react";
import type { Popup } from "./popup-menu";

interface MenuButtonProps {
  label: string;
  icon: ReactNode;
  className?: string | undefined;
  /** The menu: a component that is loaded when it is opened for the first time. */
  children: (popup: Popup) => ReactNode;
}

/** A button that opens a menu. */
export function MenuButton({ label, icon, className = "", children }: MenuButtonProps) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const [isOpen, setOpen] = useState(false);
  /** A press beside a menu closes it, and so does one on this button: the click that follows opens nothing. */
  const wasOpen = useRef(false);
  return (
    <>
      <button
        type="button"
        className={`button icon quiet ${className}`}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onPointerDown={() => (wasOpen.current = isOpen)}
        onClick={(event) => {
          if (!wasOpen.current) {
            setAnchor(event.currentTarget);
            setOpen(true);
          }
          wasOpen.current = false;
        }}
      >
        {icon}
      </button>
      {anchor && <Suspense>{children({ anchor, isOpen, onClose: () => setOpen(false) })}</Suspense>}
    </>
  );
}
