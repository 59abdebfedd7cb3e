import type { ShownAttachment, ShownMessage, Upload } from "@devinbox/client";
import { useAttachmentUrl } from "@devinbox/client/files/react";
import { useEffect, useState } from "react";
import { CloseIcon } from "@/components/ui/icons";
import { errorText } from "@/lib/errors";
import { fileKind, fileSize, isPicture } from "@/lib/files";
import styles from "./attachments.module.css";
import { loadViewer } from "./load-viewer";
import { useThreadActions } from "./thread-context";

interface AttachmentsProps {
  message: ShownMessage;
  /** Whether Tab stops at what can be pressed in it. */
  isTabbable: boolean;
}

/** The files of a message: pictures in a grid that keeps its place while they load, others as cards. */
export function Attachments({ message, isTabbable }: AttachmentsProps) {
  const pictures = message.attachments.filter(isPicture);
  const others = message.attachments.filter((attachment) => !isPicture(attachment));
  const hasFailed = pictures.some(({ upload }) => upload?.state === "failed"); // that takes room
  const columns = pictures.length > 4 && !hasFailed ? 3 : Math.min(pictures.length, 2);
  return (
    <div className={styles.attachments} data-attachments="">
      {pictures.length > 0 && (
        <ul className={styles.pictures} data-columns={columns}>
          {pictures.map((picture, at) => (
            <li key={at} className={styles.item}>
              <Picture message={message} file={picture} at={at} isTabbable={isTabbable} />
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul className={styles.files}>
          {others.map((file, at) => (
            <li key={at} className={styles.item}>
              <Card message={message} file={file} isTabbable={isTabbable} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface FileProps extends AttachmentsProps {
  file: ShownAttachment;
}

/** A picture is as large as this at most, in pixels, and its longer side no more than three times the shorter one. */
const side = 320;
const stretch = 3;

/** How large a picture is shown. It is known before the picture is loaded, so nothing moves then. */
function frameOf({ width, height }: ShownAttachment): { aspectRatio: string | number; maxWidth?: number } {
  if (!width || !height) return { aspectRatio: "4 / 3" };
  const aspectRatio = Math.min(Math.max(width / height, 1 / stretch), stretch);
  return { aspectRatio, maxWidth: Math.max(48, Math.min(width, side, side * aspectRatio)) };
}

interface PictureProps extends FileProps {
  at: number;
}

/** A picture, or a card if it could not be loaded, until there is a network again. */
function Picture({ at, ...props }: PictureProps) {
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    if (!isBroken) return undefined;
    const retry = () => setBroken(false);
    window.addEventListener("online", retry);
    return () => window.removeEventListener("online", retry);
  }, [isBroken]);
  return isBroken ? <Card {...props} /> : <Shown {...props} at={at} onBroken={() => setBroken(true)} />;
}

function Shown({ message, file, at, isTabbable, onBroken }: PictureProps & { onBroken: () => void }) {
  const { view } = useThreadActions();
  const url = useAttachmentUrl(message, file);
  const { fileName, upload } = file;
  useEffect(() => {
    loadViewer().catch(() => {}); // without a network it could not be loaded when it is wanted
  }, []);
  return (
    <>
      <button
        type="button"
        className={styles.picture}
        style={frameOf(file)}
        aria-label={fileName}
        tabIndex={isTabbable ? 0 : -1}
        onClick={() => view(message, at)}
      >
        {url && <img className={styles.image} src={url} alt={fileName} onError={onBroken} />}
      </button>
      {upload && (
        <div className={styles.upload}>
          <UploadState name={fileName} upload={upload} isTabbable={isTabbable} />
          <Cancel file={file} isTabbable={isTabbable} />
        </div>
      )}
    </>
  );
}

function Card({ message, file, isTabbable }: FileProps) {
  // The address of a picture stays the first one, as if it was loaded. Here it is followed, and has to be a fresh one.
  const url = useAttachmentUrl(message, { ...file, mediaType: "" });
  const { fileName, size, upload } = file;
  const kind = fileKind(file);
  const content = (
    <>
      <span className={styles.kind} aria-hidden="true">
        {kind.slice(0, 4)}
      </span>
      <span className={styles.about}>
        <span className={styles.name} dir="auto" title={fileName}>
          {fileName}
        </span>
        <span className={styles.state}>
          {kind}, {fileSize(size)}
          <UploadState name={fileName} upload={upload} isTabbable={isTabbable} />
        </span>
      </span>
    </>
  );
  if (!upload) {
    const isShown = isPicture(file); // the store answers it to be shown, everything else to be saved
    return (
      <a
        className={styles.card}
        href={url}
        download={fileName}
        target={isShown ? "_blank" : undefined}
        rel="noreferrer"
        tabIndex={isTabbable ? 0 : -1}
      >
        {content}
      </a>
    );
  }
  return (
    <div className={styles.card}>
      {content}
      <Cancel file={file} isTabbable={isTabbable} />
    </div>
  );
}

interface UploadStateProps {
  name: string;
  upload: Upload | undefined;
  isTabbable: boolean;
}

/** What has become of a file that is not sent yet. */
function UploadState({ name, upload, isTabbable }: UploadStateProps) {
  if (!upload) return null;
  return (
    <>
      {upload.state === "failed" ? (
        <span className={styles.failed}>
          {upload.error ? errorText(upload.error) : "It was not stored."}{" "}
          <button type="button" className="link" tabIndex={isTabbable ? 0 : -1} onClick={upload.retry}>
            Upload again<span className="visually-hidden"> {name}</span>
          </button>
        </span>
      ) : (
        <progress className={styles.progress} value={upload.progress} aria-label={`${name}, upload`} />
      )}
      {!upload.isKept && <span>Lost if you reload</span>}
    </>
  );
}

function Cancel({ file, isTabbable }: Omit<FileProps, "message">) {
  return (
    <button
      type="button"
      className={`icon-button ${styles.cancel}`}
      aria-label={`Cancel ${file.fileName}`}
      tabIndex={isTabbable ? 0 : -1}
      onClick={file.upload?.cancel}
    >
      <CloseIcon />
    </button>
  );
}
