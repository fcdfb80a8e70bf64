// The address of a workflow in the Temporal UI. ferry.yaml may name the UI; otherwise it is where the dev server
// and Temporal Cloud have it.

export function workflowLink(address: string, namespace: string, workflowId: string, ui?: string): string {
  const root = (ui ?? usualUi(address)).replace(/\/+$/, '');
  return `${root}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

function usualUi(address: string): string {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  if (/\.tmprl\.cloud$|\.temporal\.io$/.test(host)) return 'https://cloud.temporal.io';
  const port = Number(address.slice(colon + 1));
  return `http://${host}:${port + 1_000}`;
}
