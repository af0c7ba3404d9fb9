export {
  type AnswerDifference,
  checkAnswers,
  diffAnswers,
  generateAnswers,
  newAnswerFilePath,
  type Overrides,
  overridesForHosts,
  rotateAnswers,
  type ShownAnswer,
  showAnswers,
} from './answer-files.js';
export { type AnswerFinding, type FindingCode, requireRight } from './answers.js';
export { cancelDeployment } from './cancel.js';
export { detachRun } from './detach.js';
export type { DeployEvent } from './events.js';
export type { FirstContact } from './first-contact.js';
export { answersFromInventory, inventoryMachines } from './host-query.js';
export { type Interviewer, interview, type Question, secretProposal } from './interview.js';
export { type JoinOptions, joinDeployment } from './join.js';
export { type LocalAccessOptions, localSshConfig } from './local-access.js';
export { type ChangePlan, planChanges } from './noop.js';
export { type CommandOption, commandOptions } from './options.js';
export type { FindMachines } from './parameter.js';
export { parameterReference } from './reference.js';
export {
  type DeployOptions,
  type DeployOutcome,
  type DeployPlan,
  deployRun,
  planRun,
  resumeRun,
  retryRun,
} from './run.js';
export { type LoggedEvent, runLog } from './run-log.js';
export { listRuns, type RunReport, type StepReport, showRun } from './run-report.js';
export { listSiteHooks } from './site-hooks.js';
export { undeployRun } from './undeploy.js';
