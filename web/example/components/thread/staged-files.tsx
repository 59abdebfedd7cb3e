import { useEffect, useState } from "react";
import { CloseIcon } from "@/components/ui/icons";
import { fileKind, fileSize, isPicture } from "@/lib/files";
import styles from "./staged-files.module.css";
import type { StagedFiles as Staged } from "./use-staged-files";

interface StagedFilesProps {
  files: Staged;
  /** Called when the last of the buttons is gone, to put the focus elsewhere. */
  onEmptied: () => void;
}

/** The files that go with the message that is being written. */
export function StagedFiles({ files, onEmptied }: StagedFilesProps) {
  const { list, problem, isKept } = files;
  const remove = (file: File) => {
    files.remove(file);
    if (file === list.at(-1)) onEmptied(); // of another one the next takes its place, and keeps the focus
  };
  return (
    <>
      {list.length > 0 && (
        <ul className={styles.list} aria-label="Files to send">
          {list.map((file, i) => (
            <StagedFile key={i} file={file} onRemove={() => remove(file)} />
          ))}
        </ul>
      )}
      {problem && (
        <p role="alert" className={styles.problem} dir="auto">
          {problem}
        </p>
      )}
      {!isKept && <p className={styles.note}>If you reload, these files have to be chosen again.</p>}
      <p role="status" className="visually-hidden">
        {list.length > 0 && `${list.length} ${list.length === 1 ? "file" : "files"} to send`}
      </p>
    </>
  );
}

function StagedFile({ file, onRemove }: { file: File; onRemove: () => void }) {
  const { name, size, type } = file;
  const about = { fileName: name, mediaType: type };
  return (
    <li className={styles.file}>
      {isPicture(about) ? (
        <Thumbnail file={file} />
      ) : (
        <span className={styles.kind} aria-hidden="true">
          {fileKind(about).slice(0, 4)}
        </span>
      )}
      <span className={styles.name} dir="auto" title={name}>
        {name}
      </span>
      <span className={styles.size}>{fileSize(size)}</span>
      <button type="button" className={`icon-button ${styles.remove}`} aria-label={`Remove ${name}`} onClick={onRemove}>
        <CloseIcon />
      </button>
    </li>
  );
}

function Thumbnail({ file }: { file: File }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const address = URL.createObjectURL(file);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the address is to be given back, which only an effect can do
    setUrl(address);
    return () => URL.revokeObjectURL(address);
  }, [file]);
  return <span className={styles.kind}>{url && <img className={styles.thumbnail} src={url} alt="" />}</span>;
}
