import type { KeyboardEvent } from "react";

/** Whether a key belongs to an input method that is putting a character together. Safari has ended that before Enter comes, with this code. */
export function isComposing({ nativeEvent }: KeyboardEvent): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- nothing else tells it in Safari
  return nativeEvent.isComposing || nativeEvent.keyCode === 229;
}
