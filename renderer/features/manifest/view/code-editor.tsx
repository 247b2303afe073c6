import { yaml as yamlLanguage } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import type { Problem } from "#api/problem.ts";

export interface CodeEditorProps {
  readonly value: string;
  readonly problems: readonly Problem[];
  readonly onChange: (value: string) => void;
  readonly onSubmit: (value: string) => void;
}

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--text)", fontSize: "13px" },
  ".cm-content": { fontFamily: "var(--mono)", caretColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface-2)", color: "var(--text-2)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 8%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 25%, transparent) !important",
  },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-lint-marker": { width: "0.9em", height: "0.9em" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", border: "1px solid var(--line)" },
});

/** In the page's own colours, so that light and dark are one. */
const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-text)" },
  { tag: tags.comment, color: "var(--text-2)", fontStyle: "italic" },
  { tag: [tags.meta, tags.separator, tags.punctuation], color: "var(--text-2)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

/** CodeMirror with YAML; problems are marked at their lines. */
export default function CodeEditor({ value, problems, onChange, onSubmit }: CodeEditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const handlers = useRef({ onChange, onSubmit });
  handlers.current = { onChange, onSubmit };
  const initial = useRef(value);
  useEffect(() => {
    if (parent.current === null) return;
    const submit = (editor: EditorView): boolean => {
      handlers.current.onSubmit(editor.state.doc.toString());
      return true;
    };
    const editor = new EditorView({
      doc: initial.current,
      parent: parent.current,
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: submit }])),
        basicSetup,
        yamlLanguage(),
        syntaxHighlighting(highlighting),
        lintGutter(),
        theme,
        EditorView.contentAttributes.of({ "aria-label": "Manifest" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    const editor = view.current;
    if (editor !== undefined)
      editor.dispatch(
        setDiagnostics(
          editor.state,
          problems.map((problem) => toDiagnostic(problem, editor)),
        ),
      );
  }, [problems]);
  return <div ref={parent} className="code-editor" />;
}

function toDiagnostic(problem: Problem, editor: EditorView): Diagnostic {
  const { doc } = editor.state;
  const line = doc.line(Math.min(Math.max(1, problem.line ?? 1), doc.lines));
  const from = Math.min(line.to, line.from + Math.max(0, (problem.column ?? 1) - 1));
  return { from, to: Math.max(from, line.to), severity: problem.severity, message: problem.message };
}
