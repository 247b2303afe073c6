import { useState } from "react";
import { ProxyCharts } from "./proxy-charts.tsx";
import { VersionCharts } from "./version-charts.tsx";

const pictures = { versions: "Versions", proxies: "Proxies" } as const;
export type Picture = keyof typeof pictures;

/** How the versions of a service do, or what the proxies take. */
export function LiveCharts({ initial = "versions" }: { readonly initial?: Picture }) {
  const [picture, choose] = useState<Picture>(initial);
  return (
    <div className="live-charts">
      <div className="chart-choice" role="tablist" aria-label="What the charts show">
        {(Object.keys(pictures) as readonly Picture[]).map((one) => (
          <button
            key={one}
            type="button"
            role="tab"
            className="button quiet"
            aria-selected={one === picture}
            onClick={() => choose(one)}
          >
            {pictures[one]}
          </button>
        ))}
      </div>
      <div className="live-chart" role="tabpanel" aria-label={pictures[picture]}>
        {picture === "versions" ? <VersionCharts initial="cart" /> : <ProxyCharts />}
      </div>
    </div>
  );
}
