export {
  type AnswerFinding,
  checkAnswers,
  type FindingCode,
  generateAnswers,
  requireRight,
  type ShownAnswer,
  showAnswers,
} from './answers.js';
export type { DeployEvent } from './events.js';
export {
  type DeployOptions,
  type DeployOutcome,
  type DeployPlan,
  deployRun,
  listRuns,
  planRun,
  type RunReport,
  resumeRun,
  type StepReport,
  showRun,
} from './run.js';
