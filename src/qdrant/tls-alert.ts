// Why a node closes a TLS connection that stood: it says so in an alert, which comes after the handshake (TLS 1.3) and is
// not told by undici ("other side closed"). Asks once more, with nothing but TLS.

import { connect } from 'node:tls';
import { tlsOf, type ClusterConnection } from '../model/cluster.js';

const ALERT_WITHIN_MS = 2_000;

/** OpenSSL's word for it, "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"; `undefined` where the node has nothing against us. */
export function tlsAlertOf(url: string, connection: ClusterConnection): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const options = { host: hostname, port: Number(port || 443), ...tlsOf(connection) };
    const socket = connect(options, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    const end = (code?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code?.startsWith('ERR_SSL_') ? code : undefined);
    };
    const timer = setTimeout(end, ALERT_WITHIN_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code));
    socket.once('data', () => end());
    socket.once('close', () => end());
  });
}
