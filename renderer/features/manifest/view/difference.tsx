import { yaml } from "@codemirror/lang-yaml";
import { syntaxHighlighting } from "@codemirror/language";
import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { editorTheme, highlighting } from "./editor-theme.ts";

export interface DifferenceProps {
  readonly live: string;
  readonly edited: string;
}

/** Two texts in one, line by line; what is the same is folded away. */
export default function Difference({ live, edited }: DifferenceProps) {
  const parent = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (parent.current === null) return;
    const view = new EditorView({
      doc: edited,
      parent: parent.current,
      extensions: [
        yaml(),
        syntaxHighlighting(highlighting),
        editorTheme,
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        unifiedMergeView({ original: live, mergeControls: false, collapseUnchanged: { margin: 2, minSize: 5 } }),
      ],
    });
    return () => view.destroy();
  }, [live, edited]);
  return <div ref={parent} className="code-editor" />;
}
