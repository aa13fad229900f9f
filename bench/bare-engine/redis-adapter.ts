import { Redis } from 'ioredis';
import type { Adapter, AdapterConstructor, AdapterPayload } from 'oidc-provider';

const consumed = new Set(['AuthorizationCode', 'RefreshToken', 'DeviceCode']);
const ofGrant = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

/** The adapter as most who run the engine on Redis have it: a key for each artefact, lists of keys for each grant. */
export function redisAdapter(url: string): AdapterConstructor {
  const redis = new Redis(url, { keyPrefix: 'oidc:' });
  redis.on('error', (error) => process.stderr.write(`${error.message}\n`));
  return class RedisAdapter implements Adapter {
    readonly #model: string;

    constructor(model: string) {
      this.#model = model;
    }

    async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
      const key = this.#key(id);
      const write = redis.multi();
      if (consumed.has(this.#model)) write.hset(key, { payload: JSON.stringify(payload) });
      else write.set(key, JSON.stringify(payload));
      if (expiresIn) write.expire(key, expiresIn);
      if (ofGrant.has(this.#model) && payload.grantId) {
        const grant = `grant:${payload.grantId}`;
        write.rpush(grant, key);
        if (expiresIn > (await redis.ttl(grant))) write.expire(grant, expiresIn);
      }
      if (payload.uid) write.set(`uid:${payload.uid}`, id, 'EX', expiresIn);
      if (payload.userCode) write.set(`userCode:${payload.userCode}`, id, 'EX', expiresIn);
      await write.exec();
    }

    async find(id: string): Promise<AdapterPayload | undefined> {
      if (!consumed.has(this.#model)) {
        const stored = await redis.get(this.#key(id));
        return stored === null ? undefined : (JSON.parse(stored) as AdapterPayload);
      }
      const { payload, ...rest } = await redis.hgetall(this.#key(id));
      return payload === undefined ? undefined : { ...rest, ...(JSON.parse(payload) as AdapterPayload) };
    }

    async findByUid(uid: string): Promise<AdapterPayload | undefined> {
      const id = await redis.get(`uid:${uid}`);
      return id === null ? undefined : this.find(id);
    }

    async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
      const id = await redis.get(`userCode:${userCode}`);
      return id === null ? undefined : this.find(id);
    }

    async consume(id: string): Promise<void> {
      await redis.hset(this.#key(id), 'consumed', Math.floor(Date.now() / 1000));
    }

    async destroy(id: string): Promise<void> {
      await redis.del(this.#key(id));
    }

    async revokeByGrantId(grantId: string): Promise<void> {
      const keys = await redis.lrange(`grant:${grantId}`, 0, -1);
      await redis.del(...keys, `grant:${grantId}`);
    }

    #key(id: string): string {
      return `${this.#model}:${id}`;
    }
  };
}
