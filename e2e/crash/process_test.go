// Package crash kills, stalls and starves the built binary under load, and checks that nothing it
// acknowledged is lost.
package crash

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"nacre/e2e/process"
)

var binary string

func TestMain(m *testing.M) { os.Exit(process.Main(m, &binary)) }

func start(t *testing.T, dir string) *process.Process {
	t.Helper()
	return process.Start(t, process.Config{Binary: binary, Dir: dir})
}

func newClient() *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
}

// publish returns nil when the server acknowledged.
func publish(ctx context.Context, c *http.Client, base, dataID, content string) error {
	form := url.Values{"dataId": {dataID}, "group": {"crash"}, "content": {content}}
	return acknowledged(ctx, c, http.MethodPost, base+"/nacos/v1/cs/configs", form.Encode())
}

func remove(ctx context.Context, c *http.Client, base, dataID string) error {
	q := url.Values{"dataId": {dataID}, "group": {"crash"}}
	return acknowledged(ctx, c, http.MethodDelete, base+"/nacos/v1/cs/configs?"+q.Encode(), "")
}

func acknowledged(ctx context.Context, c *http.Client, method, target, form string) error {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form))
	if err != nil {
		return err
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || string(body) != "true" {
		return fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return nil
}

// read returns a configuration's content, "" when there is none.
func read(c *http.Client, base, dataID string) (string, error) {
	res, err := c.Get(base + "/nacos/v1/cs/configs?" + url.Values{"dataId": {dataID}, "group": {"crash"}}.Encode())
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(bufio.NewReader(res.Body))
	switch {
	case err != nil:
		return "", err
	case res.StatusCode == http.StatusNotFound:
		return "", nil
	case res.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return string(body), nil
}
