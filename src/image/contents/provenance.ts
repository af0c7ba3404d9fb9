import { MASK, mask } from '../../base/mask.js';
import { listInside, readInside } from '../inside.js';

/** The directory into which elements write what an image was built from, unless told otherwise. */
const manifests = '/etc/dib-manifests';

/** A git repository that was put into an image, from a line of `dib-manifest-git-NAME`. */
export interface GitSource {
  name: string;
  /** In the image. */
  path: string;
  location: string;
  commit: string;
}

/** What an image itself tells of its build, secrets masked. */
export interface Provenance {
  /** The `DIB_` variables of the build. */
  environment: Record<string, string>;
  /** The command line of the build. */
  arguments?: string;
  /** Names of elements, where the element `element-manifest` has written them. */
  elements?: string[];
  gitSources: GitSource[];
}

/** Reads `/etc/dib-manifests` of an image. Values whose name speaks of a secret are masked everywhere. */
export function readProvenance(root: string): Provenance {
  const environment = imageVariables(root);
  const secrets = Object.entries(environment).flatMap(([name, value]) => (isSecretName(name) ? [value] : []));
  const masked = (text: string) => maskText(text, secrets);
  const given = readInside(root, `${manifests}/dib_arguments`)?.trim();
  const elements = readInside(root, `${manifests}/dib-element-manifest`)?.split(/\s+/).filter(Boolean);
  const git = listInside(root, manifests).filter((name) => name.startsWith('dib-manifest-git-'));
  return {
    environment: Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, isSecretName(name) ? MASK : masked(value)]),
    ),
    ...(given ? { arguments: masked(given) } : {}),
    ...(elements ? { elements } : {}),
    gitSources: git
      .flatMap((name) => (readInside(root, `${manifests}/${name}`) ?? '').split('\n'))
      .flatMap((line) => readGitLine(masked(line))),
  };
}

/**
 * The `DIB_` variables of the build as they were, secrets included: lines of bash's `declare -x`.
 * A value can have line breaks.
 */
export function imageVariables(root: string): Record<string, string> {
  const text = readInside(root, `${manifests}/dib_environment`) ?? '';
  const declarations = text.matchAll(/^declare -x (DIB_\w+)="((?:[^"\\]|\\[\s\S])*)"$/gm);
  return Object.fromEntries(
    [...declarations].map(([, name = '', value = '']) => [name, value.replaceAll(/\\(["\\$`])/g, '$1')]),
  );
}

function isSecretName(name: string): boolean {
  return /PASS|SECRET|TOKEN|KEY|CREDENTIAL|PRIVATE/i.test(name);
}

function maskText(text: string, secrets: string[]): string {
  let masked = mask(text);
  // A shorter one would mask parts of other words.
  for (const secret of secrets.filter(({ length }) => length >= 4)) masked = masked.replaceAll(secret, MASK);
  return masked
    .replaceAll(/(\w+:\/\/)[^/@\s]+@/g, `$1${MASK}@`)
    .replaceAll(
      /(--[\w-]*(?:pass|secret|token|key)[\w-]*[= ]|\w*(?:pass|secret|token|key)\w*=)(?!-)\S+/gi,
      `$1${MASK}`,
    );
}

/** `NAME git PATH LOCATION COMMIT`, as the element `source-repositories` writes it. */
function readGitLine(line: string): GitSource[] {
  const [name, type, path, location, commit] = line.trim().split(/\s+/);
  if (name === undefined || type !== 'git' || !path || !location || !commit) return [];
  return [{ name, path, location, commit }];
}
