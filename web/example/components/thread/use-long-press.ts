import { type MouseEvent, type TouchEvent as ReactTouchEvent, useEffect, useRef } from "react";

/** How long a finger rests until it is a long press, in milliseconds. */
const longPress = 450;

/** Calls back when a finger rests on something. A finger that moves scrolls. */
export function useLongPress(onPress: () => void) {
  const timer = useRef<number>(undefined);
  const isTouched = useRef(false);
  const stop = () => window.clearTimeout(timer.current);
  useEffect(() => stop, []);
  return {
    onTouchStart({ touches }: ReactTouchEvent) {
      stop();
      isTouched.current = true;
      if (touches.length === 1) timer.current = window.setTimeout(onPress, longPress);
    },
    onTouchMove: stop,
    onTouchCancel: stop,
    onTouchEnd() {
      stop();
      isTouched.current = false;
    },
    /** The browser's own menu would cover ours. With a mouse it is as welcome as ever. */
    onContextMenu: (event: MouseEvent) => isTouched.current && event.preventDefault(),
  };
}
