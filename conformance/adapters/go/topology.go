package main

import (
	"encoding/json"
	"errors"
	"math/rand"
	"sync"
	"time"
)

// View is one epoch's picture of the cluster.
type View struct {
	Epoch   int64
	nodes   []string
	table   TokenTable
	leaders map[string]string // shard to endpoint
	members map[string][]string
}

// ParseView reads the body of GET /topology.
func ParseView(body []byte) (*View, error) {
	var wire struct {
		Epoch int64 `json:"epoch"`
		Nodes []struct {
			NodeID   string `json:"node_id"`
			Endpoint string `json:"endpoint"`
		} `json:"nodes"`
		Shards []struct {
			ShardID  string  `json:"shard_id"`
			Leader   *string `json:"leader"`
			Replicas []struct {
				NodeID string `json:"node_id"`
			} `json:"replicas"`
		} `json:"shards"`
		Tokens [][]string `json:"tokens"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, err
	}
	view := &View{Epoch: wire.Epoch, leaders: map[string]string{}, members: map[string][]string{}}
	endpoints := map[string]string{}
	for _, node := range wire.Nodes {
		endpoint, err := endpointURL(node.Endpoint)
		if err != nil {
			return nil, err
		}
		endpoints[node.NodeID] = endpoint
		view.nodes = append(view.nodes, endpoint)
	}
	if len(view.nodes) == 0 {
		return nil, errors.New("a topology without nodes")
	}
	for _, shard := range wire.Shards {
		if shard.Leader != nil {
			view.leaders[shard.ShardID] = endpoints[*shard.Leader]
		}
		for _, replica := range shard.Replicas {
			view.members[shard.ShardID] = append(view.members[shard.ShardID], endpoints[replica.NodeID])
		}
	}
	table, err := TableFromWire(wire.Tokens)
	view.table = table
	return view, err
}

// Router knows the newest topology and which endpoints have just failed.
type Router struct {
	mutex    sync.Mutex
	seeds    []string
	view     *View
	epoch    int64
	nextLoad time.Time
	out      map[string]time.Time
	woken    chan struct{}
}

const (
	outFor    = time.Second
	loadAgain = time.Second
)

func newRouter(seeds []string) *Router {
	return &Router{seeds: seeds, out: map[string]time.Time{}, woken: make(chan struct{}, 1)}
}

// wake asks for a topology in the background, soon.
func (r *Router) wake() {
	select {
	case r.woken <- struct{}{}:
	default: // it is asked for already
	}
}

// wantsTopology is whether there is none yet, and it is time to try.
func (r *Router) wantsTopology() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.view != nil || time.Now().Before(r.nextLoad) {
		return false
	}
	r.nextLoad = time.Now().Add(loadAgain)
	return true
}

// install takes a topology unless it is older; it is whether it is as new as any that was told of.
func (r *Router) install(view *View) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.view == nil || view.Epoch >= r.view.Epoch {
		r.view = view
	}
	return r.view.Epoch >= r.epoch
}

func (r *Router) sawEpoch(epoch int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if epoch > r.epoch {
		r.epoch = epoch
		if r.view != nil && epoch > r.view.Epoch {
			r.wake()
		}
	}
}

func (r *Router) failed(endpoint string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.out[endpoint] = time.Now().Add(outFor)
	if r.view != nil {
		r.wake()
	}
}

func (r *Router) answered(endpoint string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.out, endpoint)
}

// candidates are all endpoints, drawn; those that are out, and the one to avoid, come last.
func (r *Router) candidates(avoid string) []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	known := r.seeds
	if r.view != nil {
		known = r.view.nodes
	}
	var good, bad []string
	for _, i := range rand.Perm(len(known)) {
		if endpoint := known[i]; endpoint == avoid || time.Now().Before(r.out[endpoint]) {
			bad = append(bad, endpoint)
		} else {
			good = append(good, endpoint)
		}
	}
	return append(good, bad...)
}

// choose is the leader of a hash (or any replica, where one that lags will do), or any node that is not out.
func (r *Router) choose(hash uint64, anyReplica bool, avoid string) string {
	r.mutex.Lock()
	var wanted []string
	if r.view != nil {
		shard := r.view.table.Shard(hash)
		if leader := r.view.leaders[shard]; leader != "" {
			wanted = []string{leader}
		}
		if anyReplica {
			wanted = r.view.members[shard]
		}
	}
	var usable []string
	for _, endpoint := range wanted {
		if endpoint != avoid && !time.Now().Before(r.out[endpoint]) {
			usable = append(usable, endpoint)
		}
	}
	r.mutex.Unlock()
	if len(usable) > 0 {
		return usable[rand.Intn(len(usable))]
	}
	return r.candidates(avoid)[0]
}
