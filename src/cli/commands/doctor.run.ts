import { StackwrightError } from '../../base/errors.js';
import { examineHost, type Finding, installPackages } from '../../base/host.js';
import { outputColors } from '../colors.js';
import { type CliContext, command } from '../context.js';
import { plainTable } from '../table.js';

export async function doctor(this: CliContext, flags: { json: boolean; install: boolean }): Promise<void> {
  await command(this, flags.json, async () => {
    const reporter = this.reporter({ json: flags.json });
    let findings = examineHost();
    if (flags.install && missingPackages(findings).length > 0) {
      await installPackages(missingPackages(findings), reporter);
      findings = examineHost();
    }
    if (flags.json) this.printJson(findings);
    else if (!flags.install) this.print(table(findings));
    const missing = missingPackages(findings.filter(({ optional }) => !optional));
    if (missing.length > 0) {
      throw new StackwrightError('HostIncomplete', `this host lacks ${missing.length} packages`, {
        value: missing.join(' '),
        hint: `apt-get install --no-install-recommends ${missing.join(' ')}`,
      });
    }
  });
}

function missingPackages(findings: Finding[]): string[] {
  return [
    ...new Set(findings.filter((finding) => finding.path === undefined).map((finding) => finding.package)),
  ].sort();
}

function table(findings: Finding[]): string {
  const rows = plainTable(['', 'program', 'package', 'for']);
  for (const finding of findings) {
    const lack = finding.optional ? outputColors.yellow('optional') : outputColors.red('missing');
    const mark = finding.path ? outputColors.green('ok') : lack;
    rows.push([mark, finding.path ?? finding.program, finding.package, finding.purpose]);
  }
  return rows.toString();
}
