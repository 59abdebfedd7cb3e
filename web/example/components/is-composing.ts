import type { KeyboardEvent } from "react";

/** Whether a key belongs to an input method that is putting a character together. Safari has ended that before Enter comes, with this code. */
export function isComposing({ nativeEvent }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || nativeEvent.keyCode === 229;
}
