package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	redirectsMax    = 3
	topologyTimeout = 5 * time.Second
	refreshPause    = time.Second
	timeoutMax      = 24 * time.Hour
)

// Client reads and writes single entities of a cluster.
type Client struct {
	http            *http.Client
	router          *Router
	namespace       string
	userAgent       string
	timeout         time.Duration
	attemptTimeout  time.Duration
	backoffBase     time.Duration
	backoffMax      time.Duration
	retriesMax      int
	idempotencyKeys bool
	refreshInterval time.Duration
	refresher       sync.Once
	done            chan struct{}
	mutex           sync.Mutex
	loading         sync.Mutex
	budget          float64
	ratio, reserve  float64
	closed          bool
}

// Close drops the connections; calls made afterwards fail.
func (c *Client) Close() {
	c.mutex.Lock()
	first := !c.closed
	c.closed = true
	c.mutex.Unlock()
	if first {
		close(c.done)
	}
	c.http.CloseIdleConnections()
}

// call is one logical call on one entity.
type call struct {
	method, target string
	headers        map[string]string
	body           []byte
	hash           uint64
	timeout        time.Duration
	writes         bool
	anyReplica     bool
	expected       []int // statuses beyond 2xx that are answers
}

type answer struct {
	status   int
	header   http.Header
	body     []byte
	endpoint string
	attempts int
	id       string
}

func newID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		panic(err) // no randomness: the system is broken
	}
	return hex.EncodeToString(id[:])
}

// perform sends a call until it is answered, may not be repeated, or is out of retries, budget or time.
func (c *Client) perform(call call) (*answer, error) {
	c.mutex.Lock()
	closed := c.closed
	c.budget = min(c.reserve, c.budget+c.ratio)
	c.mutex.Unlock()
	if closed {
		return nil, &ClientError{Kind: "closed", Type: "ClientClosed", Text: "the client is closed"}
	}
	deadline := time.Now().Add(call.timeout)
	repeatable := !call.writes || call.headers["Idempotency-Key"] != ""
	id := newID()
	attempts, retries, redirects, unknown := 0, 0, 0, false
	avoid, redirect := "", ""
	for {
		if c.router.wantsTopology() {
			c.loadTopology(deadline)
		}
		endpoint := redirect
		if endpoint == "" {
			endpoint = c.router.choose(call.hash, call.anyReplica, avoid)
		}
		redirect = ""
		attempts++
		found, sent, err := c.exchange(endpoint, call, id, deadline)
		var problem *ClientError
		mayRepeat, retryAfter := false, time.Duration(0)
		if err != nil {
			c.router.failed(endpoint)
			unknown = unknown || sent && call.writes
			problem = failure(endpoint, err)
			mayRepeat = repeatable || !sent
		} else {
			c.router.answered(endpoint)
			found.attempts, found.id = attempts, id
			if found.status < 300 || contains(call.expected, found.status) {
				return found, nil
			}
			document := found.problem()
			problem = newAPIError(found.status, document)
			if found.status == 421 {
				c.router.wake()
				owner, _ := document["owner"].(string)
				if owner, err := endpointURL(owner); err == nil && redirects < redirectsMax {
					redirects, redirect = redirects+1, owner
					continue
				}
				c.loadTopology(deadline)
			}
			says, _ := document["retryable"].(bool)
			gateway := found.status == 429 || found.status >= 502 && found.status <= 504
			mayRepeat = says || len(document) == 0 && gateway && repeatable
			problem.Retryable = mayRepeat
			undecided := found.status >= 500 && (len(document) == 0 || found.status != 503 && found.status != 507)
			unknown = unknown || call.writes && undecided
			problem.OutcomeUnknown = problem.Type == "OutcomeUnknown" || unknown && (mayRepeat || found.status >= 500)
			retryAfter = parseRetryAfter(found.header.Get("Retry-After"))
		}
		if problem.Kind != "api" {
			problem.OutcomeUnknown = unknown
		}
		problem.finish(attempts, id)
		if !mayRepeat {
			return nil, problem
		}
		retries++
		wait := max(c.backoff(retries), retryAfter)
		if retries > c.retriesMax || time.Now().Add(wait).After(deadline) || !c.spend() {
			return nil, problem
		}
		avoid = endpoint
		time.Sleep(wait)
	}
}

// exchange is one attempt. sent is whether the server may have received the request.
func (c *Client) exchange(endpoint string, call call, id string, deadline time.Time) (*answer, bool, error) {
	limit := min(time.Until(deadline), c.attemptTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, call.method, endpoint+call.target, bytes.NewReader(call.body))
	if err != nil {
		return nil, false, err
	}
	request.GetBody = nil // a second sending is our decision, not the transport's
	if len(call.body) == 0 {
		// Not http.NoBody, which the transport takes for leave to send a read, or a deletion with a key, again.
		request.Body = io.NopCloser(bytes.NewReader(nil))
	}
	request.Header.Set("User-Agent", c.userAgent)
	request.Header.Set("Accept", "application/json, application/problem+json")
	request.Header.Set("X-Request-Id", id)
	for name, value := range call.headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		var refused *net.OpError
		connecting := errors.As(err, &refused) && refused.Op == "dial"
		return nil, !connecting, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, true, err
	}
	if epoch, err := strconv.ParseInt(response.Header.Get("Themis-Topology-Epoch"), 10, 64); err == nil {
		c.router.sawEpoch(epoch)
	}
	return &answer{status: response.StatusCode, header: response.Header, body: body, endpoint: endpoint}, true, nil
}

// loadTopology asks one node after another, each for half of the time left; without a topology any node will do.
func (c *Client) loadTopology(deadline time.Time) {
	c.loading.Lock()
	defer c.loading.Unlock()
	c.refresher.Do(func() { go c.refresh() })
	if limit := time.Now().Add(topologyTimeout); limit.Before(deadline) {
		deadline = limit
	}
	for _, endpoint := range c.router.candidates("") {
		half := time.Now().Add(time.Until(deadline) / 2)
		found, _, err := c.exchange(endpoint, call{method: http.MethodGet, target: "/topology"}, newID(), half)
		if err != nil {
			c.router.failed(endpoint)
			continue
		}
		if found.status != http.StatusOK {
			continue
		}
		if view, err := ParseView(found.body); err == nil && c.router.install(view) {
			return
		}
	}
}

// refresh loads the topology now and then, and soon after a node told that there is a newer one.
func (c *Client) refresh() {
	for {
		select {
		case <-c.router.woken:
		case <-time.After(c.refreshInterval*3/4 + time.Duration(mathrand.Int63n(int64(c.refreshInterval)/2+1))):
		case <-c.done:
			return
		}
		c.loadTopology(time.Now().Add(topologyTimeout))
		select {
		case <-time.After(refreshPause):
		case <-c.done:
			return
		}
	}
}

// parseRetryAfter reads a number of seconds or a date (RFC 9110, 10.2.3); 0 is none.
func parseRetryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(min(seconds, timeoutMax.Seconds()) * float64(time.Second))
	}
	if moment, err := http.ParseTime(text); err == nil {
		return time.Until(moment)
	}
	return 0
}

func (c *Client) backoff(retry int) time.Duration {
	limit := min(c.backoffMax, c.backoffBase<<min(retry-1, 20))
	return time.Duration(mathrand.Float64() * float64(limit))
}

func (c *Client) spend() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.budget < 1 {
		return false
	}
	c.budget--
	return true
}

func (a *answer) problem() map[string]any {
	if !strings.HasPrefix(a.header.Get("Content-Type"), "application/problem+json") {
		return nil
	}
	var document map[string]any
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.UseNumber()
	if decoder.Decode(&document) != nil {
		return nil
	}
	return document
}

func (a *answer) malformed(what string) *ClientError {
	return &ClientError{
		Kind: "transport", Type: "Transport", Transport: "protocol", Attempts: a.attempts, RequestID: a.id,
		Text: fmt.Sprintf("%s answered %d, but %s", a.endpoint, a.status, what),
	}
}

func failure(endpoint string, err error) *ClientError {
	if errors.Is(err, context.DeadlineExceeded) {
		return &ClientError{Kind: "timeout", Type: "Timeout", Text: endpoint + ": no answer in time"}
	}
	kind := "lost"
	var operation *net.OpError
	if errors.As(err, &operation) && operation.Op == "dial" {
		kind = "connect"
	} else if strings.Contains(err.Error(), "malformed HTTP") {
		kind = "protocol"
	}
	return &ClientError{Kind: "transport", Type: "Transport", Transport: kind, Text: fmt.Sprintf("%s: %v", endpoint, err)}
}

func contains(statuses []int, status int) bool {
	for _, each := range statuses {
		if each == status {
			return true
		}
	}
	return false
}
