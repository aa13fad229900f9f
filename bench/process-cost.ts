import { readdirSync, readFileSync } from 'node:fs';

/** CPU milliseconds that a process and all its living descendants have used so far, from /proc (Linux). */
export function cpuMilliseconds(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + ownCpuMilliseconds(one), 0);
}

/**
 * schedstat counts nanoseconds for each thread; where the kernel lacks it, stat counts ticks of 10 ms. Threads of a
 * process that ended are lost in the first; the processes measured here keep theirs.
 */
function ownCpuMilliseconds(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanoseconds = threads.map((thread) => {
      const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      return Number(running);
    });
    return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
  } catch {
    return statCpuMilliseconds(pid);
  }
}

function statCpuMilliseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0; // it ended between the listing and the reading
  }
}

function processTree(pid: number): number[] {
  const tree = [pid];
  for (const parent of tree) {
    try {
      for (const thread of readdirSync(`/proc/${parent}/task`)) {
        const children = readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').trim();
        if (children) tree.push(...children.split(' ').map(Number));
      }
    } catch {
      // it ended
    }
  }
  return tree;
}
