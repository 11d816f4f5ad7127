// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: grelmicro contributors
/* exported _init */

// What JavaScript adds to Grelmicro: promises, errors with classes, constructors that throw, and
// lock.with(). GJS calls _init() when the namespace is first used.

const {Gio, GLib, GObject} = imports.gi;

let Grelmicro;

// Errors

function addErrorClass(key) {
    const code = Grelmicro.Error[key];
    const words = key.split('_').map(word => word[0] + word.slice(1).toLowerCase());
    const name = key === 'TIMED_OUT' ? 'LockTimeoutError' : `${words.join('')}Error`;

    // It makes errors of the one class that GJS knows for the domain, and recognizes its own.
    const klass = function (message = '') {
        return new Grelmicro.Error({code, message});
    };
    Object.defineProperty(klass, 'name', {value: name});
    Object.defineProperty(klass, Symbol.hasInstance, {
        value: error => error instanceof Grelmicro.Error && error.code === code,
    });
    Grelmicro[name] = klass;
}

function addErrors() {
    // GJS makes errors by the name of the domain: only this tells GLib that they are larger ones.
    Grelmicro.error_quark();

    Object.keys(Grelmicro.Error).filter(key => /^[A-Z_]+$/.test(key)).forEach(addErrorClass);
    Object.defineProperties(Grelmicro.Error.prototype, {
        name: {
            get() {
                return Grelmicro.error_get_name(this);
            },
        },
        retry_after: {
            get() {
                return Grelmicro.error_get_retry_after(this);
            },
        },
    });
}

function toGError(error) {
    return error instanceof GLib.Error ? error : new Grelmicro.BackendError(String(error));
}

// Microseconds

function seconds(count) {
    if (typeof count !== 'number')
        throw new TypeError(`seconds: must be a number, not ${typeof count}`);
    if (!Number.isFinite(count))
        throw new Grelmicro.SettingsError('seconds: must be finite');

    // What is more than 0 never becomes 0.
    const span = Math.round(count * GLib.TIME_SPAN_SECOND) || Math.sign(count);
    return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(span, Number.MAX_SAFE_INTEGER));
}

// The introspected methods

// Spares the cancellable, and refuses what GJS would cut off: 0.5, meant as seconds, would be 0.
function improve(name, raw, hasCallback) {
    const call = function (...args) {
        if (args.some(arg => typeof arg === 'number' && !Number.isSafeInteger(arg))) {
            throw new Grelmicro.SettingsError(
                `${name}: must be given whole microseconds; Grelmicro.seconds() makes them`);
        }
        if (args.length === raw.length - 1)
            args.splice(hasCallback ? -1 : args.length, 0, null);
        return raw.apply(this, args);
    };
    Object.defineProperty(call, 'length', {value: raw.length}); // Gio._promisify() goes by it
    return call;
}

function improveMethods(proto) {
    for (const name of Object.getOwnPropertyNames(proto)) {
        if (name.endsWith('_from_thread')) {
            proto[name] = improve(name, proto[name], false);
        } else if (name.endsWith('_async') && `${name.slice(0, -5)}finish` in proto) {
            proto[name] = improve(name, proto[name], true);
            Gio._promisify(proto, name);
        }
    }
}

// Classes written in JavaScript

const isScript = Symbol('written in JavaScript');

// A function that is given a task, and lets that fail with what it throws, now or as a promise.
function failing(func) {
    return function (...args) {
        const task = args.find(arg => arg instanceof Gio.Task);
        const fail = error => {
            if (!task)
                throw error;
            task.return_error(toGError(error));
        };

        try {
            const result = func.apply(this, args);
            return result instanceof Promise ? void result.catch(fail) : result;
        } catch (error) {
            return fail(error);
        }
    };
}

function initClass(klass) {
    const proto = klass.prototype;

    for (const name of Object.getOwnPropertyNames(proto)) {
        if (name.startsWith('vfunc_') && typeof proto[name] === 'function')
            proto[name] = failing(proto[name]);
    }
    proto[isScript] = true;
    return GObject.Object._classInit(klass);
}

// An app that uses such a class must run where JavaScript does.
function addAppMethods(proto) {
    const {use, open_in_thread: openInThread} = proto;

    proto.use = function (component, name = null) {
        const isUsed = use.call(this, component, name);
        if (component[isScript])
            this[isScript] = true;
        return isUsed;
    };
    proto.open_in_thread = function () {
        if (this[isScript]) {
            throw new Grelmicro.SettingsError(
                'app: open_in_thread: a part is written in JavaScript, which runs on one thread ' +
                'only; call open_async()');
        }
        return openInThread.call(this);
    };
}

// Constructors that throw

const ENVIRONMENTS = [null, 'development', 'test', 'staging', 'production'];

function judgeApp(app) {
    if (!ENVIRONMENTS.includes(app.environment)) {
        throw new Grelmicro.SettingsError(
            'app: environment: must be development, test, staging or production');
    }
    if (app.patience <= 0)
        throw new Grelmicro.SettingsError('app: patience: must be more than 0');
}

// C judges the settings before it sees that the backend isn't open.
function judgePrimitive(neverOpened, ask) {
    return function (primitive) {
        const {backend} = primitive;
        primitive.backend = neverOpened;
        try {
            ask(primitive);
        } catch (error) {
            if (!(error instanceof Grelmicro.NotOpenError))
                throw error;
        } finally {
            primitive.backend = backend;
        }
    };
}

function requireHeld(settings, isHeld) {
    for (const [name, value] of Object.entries(settings)) {
        if (!isHeld(name, value)) {
            throw new Grelmicro.SettingsError(
                `${name}: must be a value that the property can hold`);
        }
    }
}

// GJS makes 0 of what is no number, cuts 0.5 off and text at its first NUL.
function addJudge(klass, judge) {
    klass.prototype._init = function (settings = {}) {
        requireHeld(settings, (_, value) => typeof value !== 'number' || Number.isFinite(value));
        const self = GObject.Object.prototype._init.call(this, settings) ?? this;
        requireHeld(settings, (name, value) => self[name] === value);
        judge(self);
        return self;
    };
}

function addPrimitive(klass, neverOpened, ask) {
    addJudge(klass, judgePrimitive(neverOpened, ask));
    klass.new = name => new klass({name});
}

// Work under a lock, or behind a circuit breaker

// Runs the function, then one of the others; what the function throws is what the caller gets.
async function runAndSettle(func, succeed, fail) {
    let result;

    try {
        result = await func();
    } catch (error) {
        try {
            await fail(error);
        } catch {}
        throw error;
    }
    await succeed();
    return result;
}

function requireFunction(func) {
    if (typeof func !== 'function')
        throw new TypeError(`func: must be a function, not ${typeof func}`);
}

function addLock(klass, acquire) {
    addPrimitive(klass, new Grelmicro.MemoryLockAdapter(), lock => lock.is_locked_from_thread());
    klass.prototype.with = async function (func, options = {}) {
        requireFunction(func);
        const lease = await acquire(this, options);
        const release = () => lease.release_async();
        return runAndSettle(() => func(lease), release, release);
    };
}

// The work is done, and ended as it did, whatever becomes of the record.
function logLoss(permit, error) {
    const name = permit.get_name();

    GLib.log_structured('Grelmicro', GLib.LogLevelFlags.LEVEL_INFO, {
        MESSAGE: `circuit breaker “${name}”: an outcome was lost: ${error.message}`,
        GREL_PRIMITIVE: 'circuit breaker',
        GREL_NAME: name,
        GREL_CODE: 'record-failed',
    });
}

// Needs a backend that decides at once; others give none.
function takeTicket(breaker, cancellable) {
    if (cancellable?.is_cancelled())
        return null;
    try {
        return breaker.allow()[1];
    } catch (error) {
        if (error instanceof Grelmicro.WouldBlockError)
            return null;
        throw error;
    }
}

async function runBehindBreaker(func, {cancellable = null, ignore = []} = {}) {
    requireFunction(func);
    const isIgnored = error => ignore.some(klass => error instanceof klass);
    const ticket = takeTicket(this, cancellable);
    if (ticket !== null) {
        let result;
        try {
            result = await func();
        } catch (error) {
            if (isIgnored(error))
                this.record_success(ticket);
            else
                this.record_error(ticket, toGError(error));
            throw error;
        }
        this.record_success(ticket);
        return result;
    }

    const permit = await this.acquire_async(cancellable);
    const succeed = () => permit.succeed_async().catch(error => logLoss(permit, error));
    const fail = error => {
        if (isIgnored(error))
            return succeed();
        const reason = toGError(error);
        if (reason.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED))
            return permit.abandon();
        return permit.fail_async(reason).catch(lost => logLoss(permit, lost));
    };
    return runAndSettle(() => func(), succeed, fail);
}

function getKeyed(key) {
    if (String(key).includes('\0'))
        throw new Grelmicro.SettingsError('key: must not have a null character');
    return this.get_keyed(key);
}

function addOperation() {
    const {new: create} = Grelmicro.Operation;

    Grelmicro.Operation.new = func => create(failing(func));
}

function addCircuitBreaker() {
    addPrimitive(Grelmicro.CircuitBreaker, new Grelmicro.MemoryCircuitBreakerAdapter(),
        breaker => breaker.acquire_from_thread());
    Grelmicro.CircuitBreaker.prototype.run = runBehindBreaker;
    Grelmicro.CircuitBreaker.prototype.keyed = getKeyed;
}

// Cached functions

function toBytes(value) {
    return new GLib.Bytes(new TextEncoder().encode(JSON.stringify(value ?? null)));
}

const decoder = new TextDecoder();

function fromBytes(bytes) {
    return JSON.parse(decoder.decode(bytes.toArray()));
}

// An async function whose results are kept as JSON, under the key that keyFunc makes of its
// arguments. Whoever asks for one that is being loaded waits for that load.
function cached(cache, keyFunc, func) {
    requireFunction(keyFunc);
    requireFunction(func);
    return async function (...args) {
        const key = keyFunc.apply(this, args);
        const kept = cache.peek(key);
        if (kept !== null)
            return fromBytes(kept);

        const load = Grelmicro.Operation.new(async task => {
            task.return_value(toBytes(await func.apply(this, args)));
        });
        return fromBytes(await cache.get_or_load_async(key, load, null));
    };
}

function addCache() {
    const neverOpened = new Grelmicro.MemoryCacheAdapter();

    addJudge(Grelmicro.TTLCache,
        judgePrimitive(neverOpened, cache => cache.get_from_thread('key')));
    Grelmicro.TTLCache.new = ttl => new Grelmicro.TTLCache({ttl});
    Grelmicro.cached = cached;
}

function _init() {
    Grelmicro = this;

    addErrors();
    Grelmicro.seconds = seconds;

    for (const name of Object.keys(Grelmicro)) {
        const klass = Grelmicro[name];
        if (klass?.prototype instanceof GObject.Object) {
            improveMethods(klass.prototype);
            klass._classInit = initClass;
        }
    }

    addAppMethods(Grelmicro.App.prototype);
    addJudge(Grelmicro.App, judgeApp);
    addOperation();
    addLock(Grelmicro.Lock, (lock, {timeout = -1, cancellable = null}) =>
        lock.acquire_async(timeout, cancellable));
    addLock(Grelmicro.TaskLock, (lock, {cancellable = null}) => lock.acquire_async(cancellable));
    addCircuitBreaker();
    addCache();
}
