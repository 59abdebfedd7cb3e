/** The viewer is loaded with the first picture that is shown. */
export const loadViewer = () => import("./viewer");
