import { RefreshCw } from "lucide-react";
import { Fragment, useEffect, useState } from "react";
import type { CertificateFacts, ProxyCertificates } from "#api/rpc/certificates.ts";
import { useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { remainingLife, shareOver } from "../lifetime.ts";
import "./proxies.css";

const REFRESH_MS = 5000;

/** What every proxy proves itself with, how long that is good for, and whom it trusts. */
export function Certificates() {
  const { data, error, reload } = useQuery("proxy.certificates", {});
  const [open, setOpen] = useState<string>();
  useEffect(() => {
    const timer = setInterval(reload, REFRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (error) return <ErrorCard error={error} />;
  if (data === undefined) return <p className="muted">Asking the proxies …</p>;
  return (
    <div className="stack">
      <div className="row">
        <span className="muted">Asked every 5 s. A proxy renews its certificate when half of its life is over.</span>
        <button type="button" className="button quiet" onClick={reload}>
          <RefreshCw size={13} aria-hidden /> Ask again
        </button>
      </div>
      <div className="card certificates">
        <table className="table">
          <thead>
            <tr>
              <th>Proxy</th>
              <th>Identity</th>
              <th>Serial</th>
              <th>Issuer</th>
              <th>Good for</th>
              <th>State</th>
              <th>Trusts</th>
            </tr>
          </thead>
          <tbody>
            {data.map((proxy) => (
              <ProxyRows key={proxy.id} proxy={proxy} open={open} onOpen={setOpen} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface ProxyProps {
  readonly proxy: ProxyCertificates;
  readonly open: string | undefined;
  readonly onOpen: (key: string | undefined) => void;
}

function ProxyRows({ proxy, open, onOpen }: ProxyProps) {
  const now = Date.now();
  if (proxy.identities.length === 0) {
    return (
      <tr>
        <td>{proxy.id}</td>
        <td colSpan={6} className={proxy.error === undefined ? "muted" : "bad"}>
          {proxy.error ?? "no identity yet: no pod of its node is captured"}
        </td>
      </tr>
    );
  }
  return proxy.identities.map(({ chain: [own, ...above], roots }, index) => {
    if (own === undefined) return null;
    const key = `${proxy.id}/${own.identity}`;
    return (
      <Fragment key={key}>
        <tr>
          <td>
            <button
              type="button"
              className="button quiet"
              style={{ padding: 0, whiteSpace: "normal", textAlign: "left" }}
              aria-expanded={open === key}
              onClick={() => onOpen(open === key ? undefined : key)}
            >
              {index === 0 ? proxy.id : "…"}
            </button>
          </td>
          <td className="mono">{own.identity}</td>
          <td className="mono" title={own.serial}>
            {own.serial.slice(0, 8)}…
          </td>
          <td>{nameIn(own.issuer)}</td>
          <td title={`${own.notBefore} to ${own.notAfter}`}>
            <Life certificate={own} now={now} />
          </td>
          <td>
            <State certificate={own} now={now} />
          </td>
          <td>{roots.map(({ subject }) => nameIn(subject)).join(", ")}</td>
        </tr>
        {open === key && (
          <tr>
            <td colSpan={7} className="certificate-details">
              {[own, ...above, ...roots].map((certificate) => (
                <Details key={`${certificate.kind}/${certificate.serial}`} certificate={certificate} now={now} />
              ))}
            </td>
          </tr>
        )}
      </Fragment>
    );
  });
}

interface CertificateProps {
  readonly certificate: CertificateFacts;
  readonly now: number;
}

function Life({ certificate, now }: CertificateProps) {
  return (
    <span className="certificate-life">
      <meter min={0} max={1} value={1 - shareOver(certificate, now)} aria-label="share of its life that is left" />
      {remainingLife(certificate.notAfter, now)}
    </span>
  );
}

function State({ certificate: { revoked, notAfter }, now }: CertificateProps) {
  if (revoked) return <span className="bad">✗ revoked</span>;
  return Date.parse(notAfter) <= now ? <span className="bad">✗ ended</span> : <span className="good">✓ good</span>;
}

function Details({ certificate, now }: CertificateProps) {
  const { kind, subject, identity, issuer, serial, notBefore, notAfter } = certificate;
  return (
    <dl className="certificate">
      <dt>{kind}</dt>
      <dd>
        {identity || nameIn(subject)} <State certificate={certificate} now={now} />
      </dd>
      <dt>issuer</dt>
      <dd>{nameIn(issuer)}</dd>
      <dt>serial number</dt>
      <dd className="mono">{serial}</dd>
      <dt>valid</dt>
      <dd>
        {notBefore} to {notAfter} ({remainingLife(notAfter, now)} left)
      </dd>
    </dl>
  );
}

/** "O=Bank, CN=Root" of a name whose parts stand one to a line. */
const nameIn = (name: string): string => name.split("\n").join(", ") || "–";
