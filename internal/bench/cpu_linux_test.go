package bench

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// burn has a shell take processor time until it has taken some, by the kernel's other account.
const burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"

func TestTheTimeOfAProcessIsWhatTheKernelSaysWhenItIsWaitedFor(t *testing.T) {
	t.Parallel()
	process := exec.Command("/bin/sh", "-c", burn+"; echo done; read -r _")
	input, output := start(t, process)
	output.ReadString('\n')
	got, err := cpuOf(process.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	input.Close()
	process.Wait()
	want := process.ProcessState.UserTime() + process.ProcessState.SystemTime()
	if difference := (want - got).Abs(); want < 10*tick || difference > 3*tick+want/10 {
		t.Errorf("%v, want %v", got, want)
	}
}

// The shell has a child that has ended and one that lives.
func TestTheTimeOfAFamilyHoldsTheChildrenThatLiveAndThoseThatHaveEnded(t *testing.T) {
	t.Parallel()
	process := exec.Command("/bin/sh", "-c", `/bin/sh -c "`+strings.ReplaceAll(burn, "$", `\$`)+`"; /bin/sh -c "`+strings.ReplaceAll(burn, "$", `\$`)+`; echo done; read -r _"; read -r _`)
	input, output := start(t, process)
	output.ReadString('\n')
	alone, err := cpuOf(process.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	family, err := cpuOfFamily(process.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	input.Close()
	process.Wait()
	var all syscall.Rusage = *process.ProcessState.SysUsage().(*syscall.Rusage)
	want := time.Duration(all.Utime.Nano() + all.Stime.Nano())
	if difference := (want - family).Abs(); want < 20*tick || difference > 5*tick+want/10 || alone > want/4 {
		t.Errorf("the family %v, want %v; its head alone %v", family, want, alone)
	}
}

func TestAProcessThatIsNotThereHasNoTime(t *testing.T) {
	t.Parallel()
	process := exec.Command("/bin/true")
	if err := process.Run(); err != nil {
		t.Fatal(err)
	}
	if spent, err := cpuOf(process.Process.Pid); err == nil {
		t.Errorf("%v", spent)
	}
}

func TestANameWithBracketsAndSpacesIsReadOver(t *testing.T) {
	t.Parallel()
	program := t.TempDir() + "/a ) S (b"
	shell, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, shell, 0o755); err != nil {
		t.Fatal(err)
	}
	process := exec.Command(program, "60")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.Process.Kill(); process.Wait() })
	u, err := usageOf(process.Process.Pid)
	if err != nil || u.parent != os.Getpid() {
		t.Errorf("%+v, %v, want the parent %s", u, err, strconv.Itoa(os.Getpid()))
	}
}

// start starts a process and gives its input and output.
func start(t *testing.T, process *exec.Cmd) (input interface{ Close() error }, output *bufio.Reader) {
	t.Helper()
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.Process.Kill(); process.Wait() })
	return in, bufio.NewReader(out)
}
