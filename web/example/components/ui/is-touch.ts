/** Whether the main pointer is a finger: then Enter makes a new line, and a keyboard would cover half of the screen. */
export function isTouch(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}
