import type { ReactNode } from "react";

/** Icons say nothing to a screen reader: what they stand for is always written beside them or in a label. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const AttachIcon = () => (
  <Icon>
    <path d="m13.500 7.500-5.700 5.700a3.500 3.500 0 0 1-5-5l6-6a2.300 2.300 0 0 1 3.300 3.300l-6 6a1.200 1.200 0 0 1-1.700-1.700l5.300-5.300" />
  </Icon>
);

export const CameraIcon = () => (
  <Icon>
    <path d="M2 5h3l1-2h4l1 2h3v8H2z" />
    <circle cx="8" cy="8.500" r="2.300" />
  </Icon>
);

export const BackIcon = () => (
  <Icon>
    <path d="M10 3 5 8l5 5" />
  </Icon>
);

export const BellIcon = () => (
  <Icon>
    <path d="M4 7a4 4 0 0 1 8 0c0 3.5 1.5 4.5 1.5 4.5h-11S4 10.500 4 7zM6.700 13.800a1.500 1.500 0 0 0 2.600 0" />
  </Icon>
);

export const ChatIcon = () => (
  <Icon>
    <path d="M3 3.500h10v7.500H7.500L4.500 13.500V11H3z" />
  </Icon>
);

export const CheckIcon = () => (
  <Icon>
    <path d="m3 8.500 3.500 3.500L13 4.500" />
  </Icon>
);

export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);

export const CopyIcon = () => (
  <Icon>
    <path d="M6 6h7.500v7.500H6zM10 6V2.500H2.500V10H6" />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M8 3v10M4 9l4 4 4-4" />
  </Icon>
);

export const MoreIcon = () => (
  <Icon>
    <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2" />
  </Icon>
);

export const PanelIcon = () => (
  <Icon>
    <path d="M2.500 3h11v10h-11zM10 3v10" />
  </Icon>
);

export const PlusIcon = () => (
  <Icon>
    <path d="M8 3v10M3 8h10" />
  </Icon>
);

export const SendIcon = () => (
  <Icon>
    <path d="M8 13V3M4 7l4-4 4 4" />
  </Icon>
);

export const UpIcon = SendIcon;
