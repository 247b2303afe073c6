import { yaml as yamlLanguage } from "@codemirror/lang-yaml";
import { syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import type { Problem } from "#api/problem.ts";
import { editorTheme, highlighting } from "./editor-theme.ts";

export interface CodeEditorProps {
  readonly value: string;
  readonly problems: readonly Problem[];
  readonly onChange: (value: string) => void;
  readonly onSubmit: (value: string) => void;
}

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
        editorTheme,
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
