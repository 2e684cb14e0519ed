// Text that is cut to a bounded length.

/** The text, or its beginning and an ellipsis: at most `length` characters. */
export function cutText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
