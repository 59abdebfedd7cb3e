import { useRef } from "react";
import { AttachIcon, CameraIcon } from "@/components/ui/icons";
import styles from "./file-buttons.module.css";

interface FileButtonsProps {
  disabled: boolean;
  onChoose: (files: readonly File[]) => void;
}

/** Chooses files, and on a phone takes a picture. */
export function FileButtons({ disabled, onChoose }: FileButtonsProps) {
  const files = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const choose = ({ target }: { target: HTMLInputElement }) => {
    onChoose([...(target.files ?? [])]);
    target.value = ""; // so that the same file can be chosen again
  };
  return (
    <>
      <input ref={files} type="file" multiple hidden onChange={choose} />
      <input ref={camera} type="file" accept="image/*" capture="environment" hidden onChange={choose} />
      <button
        type="button"
        className={`icon-button ${styles.button}`}
        aria-label="Attach files"
        disabled={disabled}
        onClick={() => files.current?.click()}
      >
        <AttachIcon />
      </button>
      <button
        type="button"
        className={`icon-button ${styles.button} ${styles.camera}`}
        aria-label="Take a picture"
        disabled={disabled}
        onClick={() => camera.current?.click()}
      >
        <CameraIcon />
      </button>
    </>
  );
}
