// Waits for the emulator as a module of testcontainers-go does: its own wait strategy, on the output of a process.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/testcontainers/testcontainers-go/wait"
)

// output collects what both streams of the process say.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(p)
}

// target is what the strategy asks of a container; of all that it might ask, this one asks for state and log.
type target struct {
	wait.StrategyTarget
	output *output
}

func (target) State(context.Context) (*container.State, error) {
	return &container.State{Running: true, Status: "running"}, nil
}

func (t target) Logs(context.Context) (io.ReadCloser, error) {
	t.output.mutex.Lock()
	defer t.output.mutex.Unlock()
	return io.NopCloser(bytes.NewReader(bytes.Clone(t.output.text.Bytes()))), nil
}

func main() {
	said := &output{}
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stdout, command.Stderr = said, said
	if err := command.Start(); err != nil {
		panic(err)
	}
	defer command.Wait()
	defer command.Process.Signal(os.Interrupt)
	strategy := wait.ForLog("[INFO] (rapid) exec").WithStartupTimeout(60 * time.Second).WithPollInterval(50 * time.Millisecond)
	if err := strategy.WaitUntilReady(context.Background(), target{output: said}); err != nil {
		fmt.Println(err)
		return
	}
	url := "http://" + os.Args[1] + "/2015-03-31/functions/function/invocations"
	answer, err := http.Post(url, "application/json", strings.NewReader(`{"do":"echo"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.StatusCode, string(body))
}
