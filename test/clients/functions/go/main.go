// The function behind the Go client. What it does is in the event: {"do": …}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct {
	Do      string   `json:"do"`
	Message string   `json:"message"`
	Code    int      `json:"code"`
	Ms      int      `json:"ms"`
	Bytes   int      `json:"bytes"`
	N       int      `json:"n"`
	Lines   int      `json:"lines"`
	Names   []string `json:"names"`
	Parts   []string `json:"parts"`
	Fail    string   `json:"fail"`
	Body    string   `json:"body"`
}

// What a handler returns as a reader is streamed.
func stream(wanted order) io.Reader {
	reader, writer := io.Pipe()
	go func() {
		for _, part := range wanted.Parts {
			io.WriteString(writer, part)
			time.Sleep(50 * time.Millisecond)
		}
		if wanted.Fail != "" {
			writer.CloseWithError(errors.New(wanted.Fail))
			return
		}
		writer.Close()
	}()
	return reader
}

func handle(ctx context.Context, event json.RawMessage) (any, error) {
	var wanted order
	if err := json.Unmarshal(event, &wanted); err != nil {
		return nil, err
	}
	// a request of the Function URL
	if wanted.Body != "" {
		if err := json.Unmarshal([]byte(wanted.Body), &wanted); err != nil {
			return nil, err
		}
	}
	switch wanted.Do {
	case "throw":
		return nil, errors.New(wanted.Message)
	case "panic":
		panic("outside of every rule")
	case "exit":
		os.Exit(wanted.Code)
	case "log":
		known, _ := lambdacontext.FromContext(ctx)
		record := map[string]any{"level": "INFO", "message": fmt.Sprintf("log %d", wanted.N), "requestId": known.AwsRequestID}
		line, _ := json.Marshal(record)
		fmt.Println(string(line))
		time.Sleep(time.Duration(wanted.Ms) * time.Millisecond)
		return map[string]any{"requestId": known.AwsRequestID, "n": wanted.N}, nil
	case "sleep":
		time.Sleep(time.Duration(wanted.Ms) * time.Millisecond)
		return map[string]int{"instance": os.Getpid()}, nil
	case "environment":
		values := map[string]*string{}
		for _, name := range wanted.Names {
			values[name] = nil
			if value, found := os.LookupEnv(name); found {
				values[name] = &value
			}
		}
		return values, nil
	case "context":
		known, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"requestId": known.AwsRequestID,
			"arn":       known.InvokedFunctionArn,
			"remaining": time.Until(deadline).Milliseconds(),
			"trace":     os.Getenv("_X_AMZN_TRACE_ID"),
			"custom":    known.ClientContext.Custom,
		}, nil
	case "large":
		return strings.Repeat("x", wanted.Bytes), nil
	case "stream":
		return stream(wanted), nil
	case "print":
		for line := 0; line < wanted.Lines; line++ {
			fmt.Println("out", wanted.N, line)
			fmt.Fprintln(os.Stderr, "err", wanted.N, line)
		}
		return event, nil
	case "instance":
		return map[string]int{"instance": os.Getpid()}, nil
	}
	return event, nil
}

func main() { lambda.Start(handle) }
