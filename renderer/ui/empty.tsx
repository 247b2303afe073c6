import type { ReactNode } from "react";

/** An empty page says what will appear there and how to make it appear. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children}
    </div>
  );
}
