import {
  type ClipboardEvent as ReactClipboardEvent,
  type DragEvent as ReactDragEvent,
  useEffect,
  useState,
} from "react";

const hasFiles = (transfer: DataTransfer | null) => transfer?.types.includes("Files") ?? false;

/** Has the browser not open a file that is dropped beside the places for it: that would be in place of the page. */
export function useMissedDrops(): void {
  useEffect(() => {
    const refuse = (event: DragEvent) => {
      if (event.defaultPrevented || !hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
    };
    window.addEventListener("dragover", refuse);
    window.addEventListener("drop", refuse);
    return () => {
      window.removeEventListener("dragover", refuse);
      window.removeEventListener("drop", refuse);
    };
  }, []);
}

/** Calls back with what is dropped or pasted. A folder is a file too for a browser, but one that cannot be read. */
function take({ items }: DataTransfer, onFiles: OnFiles): void {
  const files: File[] = [];
  const folders: FileSystemEntry[] = [];
  for (const item of items) {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) folders.push(entry);
    else if (file) files.push(file);
  }
  onFiles(files, folders);
}

type OnFiles = (files: readonly File[], folders: readonly { name: string }[]) => void;

/** Takes files that are dropped on an element or pasted in it: give it the handlers. */
export function useFileDrop(onFiles: OnFiles) {
  const [isOver, setOver] = useState(false);
  const handlers = {
    onDragOver(event: ReactDragEvent) {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      setOver(true);
    },
    onDragLeave(event: ReactDragEvent) {
      const { currentTarget, relatedTarget } = event;
      if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setOver(false);
    },
    onDrop(event: ReactDragEvent) {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      setOver(false);
      take(event.dataTransfer, onFiles);
    },
    onPaste(event: ReactClipboardEvent) {
      const { files, types } = event.clipboardData;
      // What an office program copies is a text, and a picture of that.
      if (files.length === 0 || types.includes("text/plain")) return;
      event.preventDefault();
      take(event.clipboardData, onFiles);
    },
  };
  return { isOver, handlers };
}
