# Read by the batch scripts: where PatchKit is, and what follows when it was stopped. Slurm runs a copy of a batch
# script, so that the folder it was submitted from says where the checkout is.

home=${PATCHKIT_HOME:-$SLURM_SUBMIT_DIR}
# Newer versions of srun do not take this over from sbatch by themselves.
if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK; fi

# patchkit_run ARGUMENT...: `patchkit run` in one process for each task of the job.
# Exit code 130 says that it was stopped and saved what was done: two minutes before the time limit Slurm sends it
# SIGTERM. The job is queued again then, and goes on. One process that ends must not take the others along before the
# checkpoint is whole; they notice by themselves.
patchkit_run() {
  local code=0
  srun --kill-on-bad-exit=0 "$home/bin/patchkit" run "$@" || code=$?
  if [ "$code" -eq 130 ]; then
    echo "The job is queued again and goes on from its checkpoint."
    scontrol requeue "$SLURM_JOB_ID"
  fi
  return "$code"
}
