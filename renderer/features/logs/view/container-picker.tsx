import { useState } from "react";
import { useQuery } from "../../../bridge/hooks.ts";

export interface PickedContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface ContainerPickerProps {
  readonly label: string;
  readonly onPick: (container: PickedContainer) => void;
  /** Offers the pods' networks too. */
  readonly onPickNetwork?: (pod: Omit<PickedContainer, "container">) => void;
}

/** Any container of any pod, as one list. */
export function ContainerPicker({ label, onPick, onPickNetwork }: ContainerPickerProps) {
  const { data, reload } = useQuery("pods.list", {});
  const [value, setValue] = useState("");
  return (
    <select
      className="input"
      aria-label={label}
      value={value}
      onPointerDown={reload}
      onFocus={reload}
      onChange={(event) => {
        const [namespace = "", pod = "", container = ""] = event.target.value.split("/");
        setValue("");
        if (container !== "") onPick({ namespace, pod, container });
        else if (pod !== "") onPickNetwork?.({ namespace, pod });
      }}
    >
      <option value="">{label} …</option>
      {data?.map((pod) => (
        <optgroup key={`${pod.namespace}/${pod.name}`} label={`${pod.namespace} / ${pod.name}`}>
          {pod.containers.map((container) => (
            <option key={container.name} value={`${pod.namespace}/${pod.name}/${container.name}`}>
              {container.name}
            </option>
          ))}
          {onPickNetwork && <option value={`${pod.namespace}/${pod.name}/`}>network of the pod, as root</option>}
        </optgroup>
      ))}
    </select>
  );
}
