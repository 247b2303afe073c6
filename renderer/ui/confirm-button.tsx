import { AlertDialog } from "@base-ui/react/alert-dialog";
import type { ReactNode } from "react";
import "./confirm-button.css";

export interface ConfirmButtonProps {
  readonly children: ReactNode;
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly onConfirm: () => void;
  readonly className?: string;
  readonly disabled?: boolean;
}

/** A button whose effect cannot simply be undone: asks once. */
export function ConfirmButton({
  children,
  title,
  text,
  action,
  onConfirm,
  className = "button",
  disabled = false,
}: ConfirmButtonProps) {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger className={className} disabled={disabled}>
        {children}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="dialog-backdrop" />
        <AlertDialog.Popup className="dialog card stack">
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description className="muted">{text}</AlertDialog.Description>
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <AlertDialog.Close className="button">Cancel</AlertDialog.Close>
            <AlertDialog.Close className="button primary" onClick={onConfirm}>
              {action}
            </AlertDialog.Close>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
