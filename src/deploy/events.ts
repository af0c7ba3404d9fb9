import type { StackwrightEvent } from '../base/events.js';

/** What the deploy domain reports, besides the steps of a run (`RunEvent`). */
export type DeployEvent =
  | StackwrightEvent<'deploy.answer.noted', AnswerData>
  | StackwrightEvent<'deploy.answer.wrong', AnswerData>
  | StackwrightEvent<'deploy.answers.written', { file: string }>
  | StackwrightEvent<'deploy.planned', { run: string; directory: string; hosts: number; manifests: number }>
  | StackwrightEvent<'deploy.host.found', { host: string; system: string; address: string }>
  | StackwrightEvent<'deploy.packages.installed', { host: string; packages: string[] }>
  | StackwrightEvent<'deploy.packages.removed', { host: string; packages: string[] }>
  | StackwrightEvent<'deploy.manifest.applied', ManifestData>
  | StackwrightEvent<'deploy.service.answered', { host: string; service: string; detail: string }>
  | StackwrightEvent<'deploy.message', { text: string }>;

/** `adopted`: while nobody watched; `settled`: puppet was not needed, as nothing has changed since it was applied. */
type ManifestData = { host: string; manifest: string; changed: boolean; adopted: boolean; settled: boolean };
type AnswerData = { finding: string; name: string; file: string; line: number | null };
