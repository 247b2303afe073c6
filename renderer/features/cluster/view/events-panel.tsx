import { useLatest } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { ago } from "../../../ui/format.ts";

/** What Kubernetes says about its objects, newest first. */
export function EventsPanel() {
  const latest = useLatest("events", {});
  if (latest === undefined || latest.events.length === 0)
    return <Empty title="No events">What happens to pods and deployments appears here.</Empty>;
  return (
    <table className="table">
      <tbody>
        {latest.events.toReversed().map((event) => (
          <tr key={`${event.time}${event.object}${event.reason}${event.message}`}>
            <td className="muted" title={event.time}>
              {ago(Date.parse(event.time))}
            </td>
            <td className={event.type === "Warning" ? "bad" : ""}>{event.reason}</td>
            <td>
              {event.namespace}/{event.object}
            </td>
            <td>
              {event.message} {event.count > 1 && <span className="muted">×{event.count}</span>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
